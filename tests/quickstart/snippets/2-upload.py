import requests # We use requests since it's a bit easier to upload files

# 1. Upload the CBCT scan
with open("./dicom.dcm", "rb") as f:
    result = requests.put(
        "<UNIQUE-UPLOAD-URL>",
        data=f,
        headers={"Content-Type": "application/octet-stream"},
    )
print(result.status_code)

# 2. Notify the Engine API
result = requests.put(
    "<UNIQUE-NOTIFICATION-URL>",
    headers={"Authorization": "Bearer <YOUR_GENERATED_ACCESS_TOKEN>"},
)
print(result.status_code)
