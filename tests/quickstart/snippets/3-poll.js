var axios = require('axios');

axios
  .get('https://eu.virtualpatientengine.com/24.06/pollJobResults?jobId=<UNIQUE-JOB-ID>', {
    headers: {
      Authorization: 'Bearer <YOUR_GENERATED_ACCESS_TOKEN>',
    },
  })
  .then((response) => {
    console.log(response.status);
    console.log(response.data);
  });
