import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { tempDir } from './temp-dir.ts'

const run = promisify(execFile)

/** The paths of PEM files that belong together. */
export interface Pair {
  readonly cert: string
  readonly key: string
}

/** A CA and its certificates, made by openssl as the manual describes, in a folder of its own. */
export interface Authority extends AsyncDisposable {
  readonly folder: string
  /** The path of its certificate. */
  readonly ca: string
  /**
   * Signs a certificate for server and client; by default for `localhost` and 127.0.0.1, and a year. With a
   * negative number of days it has expired.
   */
  sign(name: string, options?: { names?: string; days?: number }): Promise<Pair>
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc']

/** `await using authority = await makeAuthority('ours')` */
export async function makeAuthority(name: string): Promise<Authority> {
  const dir = await tempDir('narwhal-ca-')
  const openssl = (...args: string[]) => run('openssl', args, { cwd: dir.path })
  const about = ['-days', '30', '-subj', `/CN=${name}`, '-keyout', 'ca.key', '-out', 'ca.pem']
  await openssl('req', '-x509', ...NEW_KEY, ...about)
  const sign: Authority['sign'] = async (of, { names = NAMES, days = 365 } = {}) => {
    const usage = ['-addext', 'extendedKeyUsage=serverAuth,clientAuth']
    const named = ['-subj', `/CN=${of}`, '-addext', `subjectAltName=${names}`, ...usage]
    await openssl('req', '-new', ...NEW_KEY, ...named, '-keyout', `${of}.key`, '-out', 'csr')
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy']
    await openssl('x509', '-req', '-in', 'csr', ...by, '-days', `${days}`, '-out', `${of}.pem`)
    return { cert: dir.join(`${of}.pem`), key: dir.join(`${of}.key`) }
  }
  return {
    folder: dir.path,
    ca: dir.join('ca.pem'),
    sign,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

const NAMES = 'DNS:localhost,IP:127.0.0.1'
