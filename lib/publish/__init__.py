"""What people see: tables, plots, the report, predictions and the command line."""
