var axios = require('axios');
var fs = require('fs');

// 1. Upload the CBCT scan
const filePath = './dicom.dcm';
axios
  .put('<UNIQUE-UPLOAD-URL>', fs.createReadStream(filePath), {
    headers: {
      'Content-length': fs.statSync(filePath).size,
    },
  })
  .then((response) => {
    console.log(response.status);
  });

// 2. Notify the Engine API
axios
  .put('<UNIQUE-NOTIFICATION-URL>', null, {
    headers: {
      Authorization: 'Bearer <YOUR_GENERATED_ACCESS_TOKEN>',
    },
  })
  .then((response) => {
    console.log(response.status);
  });
