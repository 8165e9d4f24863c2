# filled with its files
