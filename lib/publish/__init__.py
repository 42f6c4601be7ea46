"""What people see: tables, plots, the report, predictions and the command line."""

from lib.publish.metrics import read_metrics, write_metrics
from lib.publish.show import Picture, Table, headline, show_source
