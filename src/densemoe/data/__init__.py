"""Data: layouts, preparation, packed shards, transforms, loaders and the embedded scenes."""
