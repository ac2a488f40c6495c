"""The files that a site's owner writes: site.yaml and the templates."""
