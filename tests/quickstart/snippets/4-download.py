from urllib.request import urlretrieve

urlretrieve(
    "<UNIQUE-DOWNLOAD-URL>",
    "./mandible.stl",
)
