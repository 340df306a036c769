"""The built site and a live lab, as a reader meets them: in a real browser that can reach no other host."""
