"""What stands behind the page: the codec and its caches, result files, the table, theme and script."""
