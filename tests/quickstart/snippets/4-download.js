var axios = require('axios');
var fs = require('fs');

axios
  .get('<UNIQUE-DOWNLOAD-URL>', {
    responseType: 'stream',
  })
  .then((response) => {
    response.data.pipe(fs.createWriteStream('./mandible.stl'));
  });
