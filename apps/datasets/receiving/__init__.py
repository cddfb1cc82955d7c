"""Files that come in pieces, over connections that break (tus 1.0): from the first byte to an upload like any other."""
