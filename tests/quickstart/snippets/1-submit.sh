curl --request POST \
  --url https://eu.virtualpatientengine.com/24.06/job \
  --header "Authorization: Bearer <YOUR_GENERATED_ACCESS_TOKEN>" \
  --header "Content-Type: application/json" \
  --data @./request_body.json
