"""What users do to a site's texts: one verb a file, from the call to the submitted batch."""
