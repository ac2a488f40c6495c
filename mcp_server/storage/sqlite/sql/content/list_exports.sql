SELECT * FROM exports
