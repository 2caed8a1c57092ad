// A certified OpenID Connect provider on this machine, with its own pages to sign in, to consent and to sign out.
// REDIRECT_URI and SIGNED_OUT_URI come from the environment; the first line on stdout is the issuer.
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const people = {
  ada: { name: 'Ada <b>Lovelace</b>', email: 'ada@example.com', email_verified: true, groups: ['staff'] },
  eve: { name: 'Eve', email: 'eve@example.com', email_verified: true, groups: ['guests'] },
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'the-app',
        client_secret: 'secret-of-the-app-0123456789-abcdefghij',
        redirect_uris: [process.env.REDIRECT_URI],
        post_logout_redirect_uris: [process.env.SIGNED_OUT_URI],
      },
    ],
    claims: { email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    pkce: { required: () => true },
    cookies: { keys: ['only-for-tests'] },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
