curl --request GET \
  --url "https://eu.virtualpatientengine.com/24.06/pollJobResults?jobId=<UNIQUE-JOB-ID>" \
  --header "Authorization: Bearer <YOUR_GENERATED_ACCESS_TOKEN>"
