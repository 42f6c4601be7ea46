"""Write: what was kept becomes one caption a picture, a dataset and its data card."""
