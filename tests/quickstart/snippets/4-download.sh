curl -o ./mandible.stl "<UNIQUE-DOWNLOAD-URL>"
