"""`make prove`: five clients over one faulty upstream that keeps a book."""
