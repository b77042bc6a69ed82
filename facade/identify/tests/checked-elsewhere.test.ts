import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { exportJWK, exportPKCS8 } from 'jose';
import { expect, test } from 'vitest';
import { checkRoutes, parseRoutes } from '../../routes/load.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { issuerKey, pemOf } from './issuer.ts';
import { jwtSettings } from './shop.ts';

const routes = (jwt: string) => `version: 1
identity: { jwt: ${jwt} }
backends:
  monolith: { url: http://127.0.0.1:4000 }
routes:
  - { name: all, match: { path: /* }, to: monolith, auth: jwt }
`;

async function warnings(jwt: string): Promise<string[]> {
  const file = path.join(await temporaryFolder(), 'routes.yaml');
  await writeFile(file, routes(jwt));
  return (await checkRoutes(file, { env: {} })).warnings.map(({ code }) => code);
}

test('a JWKS that anybody on the way could replace is warned of; on this machine nobody is on the way', async () => {
  expect(await warnings(jwtSettings('jwks: "http://login.example/jwks"'))).toEqual(['jwks_not_encrypted']);
  expect(await warnings(jwtSettings('jwks: "https://login.example/jwks"'))).toEqual([]);
  expect(await warnings(jwtSettings('jwks: "http://127.0.0.1:9000/jwks"'))).toEqual([]);
});

test('a machine that only checks the file needs neither its secrets nor its keys', () => {
  const optional = { env: {}, secrets: 'optional' } as const;
  for (const text of [
    routes(jwtSettings('publicKeys: /not/on/this/machine.pem')),
    routes(jwtSettings(`secret: "\${JWT_SECRET}"`, '[HS256]')),
  ]) {
    expect(parseRoutes(text, 'routes.yaml', optional).routes).toHaveLength(1);
    expect(() => parseRoutes(text, 'routes.yaml', { env: {} })).toThrow(/jwt_keys_unusable|variable_not_set/);
  }
});

test('a file with a private key in place of the public ones is refused, and not repeated', async () => {
  const { privateKey, ...key } = await issuerKey('one', 'ES256');
  const folder = await temporaryFolder();
  const wrong = [
    await exportPKCS8(privateKey),
    JSON.stringify({ keys: [{ ...(await exportJWK(privateKey)), kid: 'one' }] }),
    `${pemOf({ privateKey, ...key })}${pemOf({ privateKey, ...key })}`,
    'neither of the two, but long enough to be recognised where it is repeated',
  ];
  for (const [index, text] of wrong.entries()) {
    const file = path.join(folder, `${index}.pem`);
    await writeFile(file, text);
    const settings = jwtSettings(`publicKeys: "${file}"`, '[ES256]');
    let message = '';
    try {
      parseRoutes(routes(settings), path.join(folder, 'routes.yaml'), { env: {} });
    } catch (error) {
      message = String((error as Error).message);
    }
    expect(message).toMatch(/jwt_keys_unusable: .* (?:private|more than one key|neither JSON nor PEM)/);
    expect(message).not.toContain(text.slice(30, 60));
  }
});
