# what is read or installed
