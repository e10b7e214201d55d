import requests # We use requests since it's a bit easier to upload files

result = requests.get(
    "https://eu.virtualpatientengine.com/24.06/pollJobResults?jobId=<UNIQUE-JOB-ID>",
    headers={"Authorization": "Bearer <YOUR_GENERATED_ACCESS_TOKEN>"},
)
print(result.status_code)
print(result.json())
