import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectEtcd, type EtcdClient } from '../../../src/etcd/client.ts';
import type { EtcdTlsFiles } from '../../../src/etcd/connection-options.ts';
import { makeCertificates, type CertificateFiles, type Certificates } from '../../support/certificates.ts';
import { startEtcd, type RunningEtcd } from '../../support/etcd-process.ts';
import { freePorts } from '../../support/free-port.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const never = new AbortController().signal;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let trusted: Certificates;
let unrelated: Certificates;
let etcd: RunningEtcd;

beforeAll(async () => {
  directory = await temporaryDirectory();
  trusted = await authority('trusted', ['server', 'agent']);
  unrelated = await authority('unrelated', ['agent']);
  const [port = 0] = await freePorts(1);
  const server = filesOf(trusted, 'server');
  const agent = filesOf(trusted, 'agent');
  etcd = await startEtcd({
    clientUrl: `https://127.0.0.1:${port}`,
    flags: [
      ...['--cert-file', server.certFile, '--key-file', server.keyFile],
      ...['--client-cert-auth', '--trusted-ca-file', trusted.caFile],
    ],
    ctlFlags: ['--cacert', trusted.caFile, '--cert', agent.certFile, '--key', agent.keyFile],
  });
});

afterAll(async () => {
  await etcd[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

test('with a client certificate everything works, dialled by address', async () => {
  const client = connect({ caFile: trusted.caFile, ...filesOf(trusted, 'agent') });
  await client.put({ key: 'k', value: 'v' }, never);
  expect(await bytesStreamed(client)).toBeGreaterThan(0);
  client.close();
});

test.for(['stranger', 'reader'])(
  'when authentication is switched on, a password counts beside a certificate of %s, who may not do it',
  async (name) => {
    await using place = await temporaryDirectory();
    const own = await makeCertificates(place.path, ['server', name]);
    const [server, mine] = [filesOf(own, 'server'), filesOf(own, name)];
    const [port = 0] = await freePorts(1);
    await using guarded = await startEtcd({
      clientUrl: `https://127.0.0.1:${port}`,
      flags: [
        ...['--cert-file', server.certFile, '--key-file', server.keyFile],
        ...['--client-cert-auth', '--trusted-ca-file', own.caFile],
      ],
      ctlFlags: ['--cacert', own.caFile, '--cert', mine.certFile, '--key', mine.keyFile],
    });
    const passwordFile = join(place.path, 'password');
    await writeFile(passwordFile, 'secret\n');
    const client = connectEtcd({
      endpoint: guarded.endpoint,
      requestTimeoutMs: 5000,
      tls: { caFile: own.caFile, ...mine },
      auth: { user: 'root', passwordFile },
    });
    // Nobody asks for a token as long as there is none to be had.
    await client.put({ key: 'k', value: 'v' }, never);
    await guarded.ctl('user', 'add', 'root:secret');
    await guarded.ctl('user', 'add', 'reader:other');
    await guarded.ctl('user', 'grant-role', 'root', 'root');
    await guarded.ctl('auth', 'enable');

    expect((await client.hashKv(0, never)).hash).toBeGreaterThan(0);
    expect((await client.range({ key: 'k' }, never)).count).toBe(1);
    expect(await bytesStreamed(client)).toBeGreaterThan(0);
    client.close();
  },
);

test.for([
  ['by name', undefined, 'localhost'],
  ['by address with the name that the certificate carries', 'server', '127.0.0.1'],
  ['by name with an address that the certificate carries', '127.0.0.1', 'localhost'],
] as const)('the certificate is compared with what is expected: %s', async ([, serverName, host]) => {
  const tls = { caFile: trusted.caFile, ...filesOf(trusted, 'agent') };
  const client = connect(
    serverName === undefined ? tls : { ...tls, serverName },
    etcd.endpoint.replace('127.0.0.1', host),
  );
  expect((await client.status(never)).revision).toBeGreaterThan(0);
  client.close();
});

test.for(['other', '127.0.0.2'])('a server that is not "%s" is not spoken to', async (serverName) => {
  const client = connect({ caFile: trusted.caFile, ...filesOf(trusted, 'agent'), serverName });
  await expect(client.status(never)).rejects.toMatchObject({
    code: 'ETCD_UNREACHABLE',
    message: expect.stringContaining(serverName) as string,
  });
  client.close();
});

test('a server of an unrelated authority is not spoken to', async () => {
  const client = connect({ caFile: unrelated.caFile, ...filesOf(trusted, 'agent') });
  await expect(client.status(never)).rejects.toMatchObject({
    code: 'ETCD_UNREACHABLE',
    message: expect.stringContaining('unable to verify') as string,
  });
  await expect(bytesStreamed(client)).rejects.toMatchObject({ code: 'ETCD_UNREACHABLE' });
  client.close();
});

test('etcd turns away a client without a certificate, and one of an unrelated authority', async () => {
  for (const own of [{}, filesOf(unrelated, 'agent')]) {
    const client = connect({ caFile: trusted.caFile, ...own });
    await expect(client.status(never)).rejects.toMatchObject({ code: 'ETCD_UNREACHABLE' });
    client.close();
  }
});

test('a certificate file that is absent or does not fit its key is named', async () => {
  const absent = join(directory.path, 'absent.crt');
  const withoutFile = connect({ caFile: trusted.caFile, ...filesOf(trusted, 'agent'), certFile: absent });
  await expect(withoutFile.status(never)).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
    message: expect.stringContaining(absent) as string,
  });
  const { certFile } = filesOf(trusted, 'agent');
  const { keyFile } = filesOf(unrelated, 'agent');
  const mismatched = connect({ caFile: trusted.caFile, certFile, keyFile });
  await expect(mismatched.status(never)).rejects.toMatchObject({
    code: 'ETCD_AUTH_FAILED',
    message: expect.stringContaining(keyFile) as string,
  });
});

test('a renewed certificate is used by the next call of the same client', async () => {
  const own = { certFile: join(directory.path, 'own.crt'), keyFile: join(directory.path, 'own.key') };
  await install(filesOf(unrelated, 'agent'), own);
  const client = connect({ caFile: trusted.caFile, ...own });
  await expect(client.status(never)).rejects.toMatchObject({ code: 'ETCD_UNREACHABLE' });
  await install(filesOf(trusted, 'agent'), own);
  expect((await client.status(never)).revision).toBeGreaterThan(0);
  client.close();
});

async function authority(name: string, names: string[]): Promise<Certificates> {
  const path = join(directory.path, name);
  await mkdir(path);
  return await makeCertificates(path, names);
}

async function install(from: CertificateFiles, to: CertificateFiles): Promise<void> {
  await copyFile(from.certFile, to.certFile);
  await copyFile(from.keyFile, to.keyFile);
}

function filesOf(certificates: Certificates, name: string): CertificateFiles {
  const files = certificates.certs[name];
  if (files === undefined) throw new Error(`no certificate was made for ${name}`);
  return files;
}

function connect(tls: EtcdTlsFiles, endpoint = etcd.endpoint): EtcdClient {
  return connectEtcd({ endpoint, tls, requestTimeoutMs: 5000 });
}

async function bytesStreamed(client: EtcdClient): Promise<number> {
  let bytes = 0;
  for await (const { blob } of client.snapshot(never)) bytes += blob.length;
  return bytes;
}
