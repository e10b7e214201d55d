import http.client
import json

with open("./request_body.json", "r") as file:
    data = json.load(file)

conn = http.client.HTTPSConnection("eu.virtualpatientengine.com")
headers = {"Authorization": "Bearer <YOUR_GENERATED_ACCESS_TOKEN>"}
conn.request("POST", "/24.06/job", json.dumps(data), headers=headers)
response = conn.getresponse()
print(response.read().decode())
