"""The job kinds that Pressroom brings: one file each."""
