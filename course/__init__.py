"""The course: grading of what was handed in, and handouts without solutions (`python -m course ...`)."""
