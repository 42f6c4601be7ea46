"""Ask: the pictures of a folder, who is asked about them, and every answer kept."""
