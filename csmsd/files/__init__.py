"""I/O edge towards files: what operators store, and what charge points fetch and bring, over HTTP and FTP."""
