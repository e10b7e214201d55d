var axios = require('axios');

const body = require('./request_body.json');

axios
  .post('https://eu.virtualpatientengine.com/24.06/job', body, {
    headers: {
      Authorization: 'Bearer <YOUR_GENERATED_ACCESS_TOKEN>',
    },
  })
  .then((response) => {
    console.log(response.data);
  });
