curl --upload-file "/dicom.dcm" "<UNIQUE-UPLOAD-URL>"
curl --request PUT \
  --url "<UNIQUE-NOTIFICATION-URL>" \
  --header "Authorization: Bearer <YOUR_GENERATED_ACCESS_TOKEN>"
