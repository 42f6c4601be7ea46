"""What people see: tables, plots, predictions and the command line."""

from lib.publish.exercise import check
from lib.publish.metrics import read_metrics, write_metrics, write_predictions
from lib.publish.show import Note, Picture, Table, films, headline, show_source
