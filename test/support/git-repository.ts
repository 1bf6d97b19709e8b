import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { type GitHttpServer, type Intercept, serveGit } from './git-http-server.ts'
import { tempDir } from './temp-dir.ts'

const run = promisify(execFile)

/** Paths to contents; `null` deletes the file. */
export type Files = Readonly<Record<string, string | null>>

export interface GitRepositoryOptions {
  /** The content of a first commit on `main`; without it the repository is empty. */
  readonly files?: Files
  /** Of its objects; `sha1` by default. */
  readonly objectFormat?: 'sha1' | 'sha256'
  /** How its refs are stored; `files` by default, where git knows others. */
  readonly refFormat?: 'reftable'
  /** Serve it by smart HTTP on loopback, as a forge would. */
  readonly serve?: boolean
  /** The password for Basic authentication, with any user name; only with `serve`. */
  readonly password?: string
  /** What the forge answers besides git; only with `serve`. */
  readonly intercept?: Intercept
}

/** A git repository with a working tree in a temporary folder, deleted on disposal. */
export interface GitRepository extends AsyncDisposable {
  /** The working tree's absolute path; git takes it as a URL, too. */
  readonly path: string
  /** `http://127.0.0.1:…/repository` when served, else a `file:` URL. */
  readonly url: string
  /** The HTTP requests so far, as `GET /repository/info/refs?service=git-upload-pack`. */
  readonly requests: readonly string[]
  /** What was sent over HTTP so far, in bytes. */
  sentBytes(): number
  /** Writes the files, commits everything, and resolves to the commit's id. */
  commit(files: Files, message?: string): Promise<string>
  /**
   * Commits the files on top of HEAD and resolves to the commit's id; no ref has it, and HEAD and every
   * branch stay unchanged throughout, so that no poll takes it for a push.
   */
  commitAside(files: Files): Promise<string>
  /** Creates the branch at HEAD if it doesn't exist yet, and switches to it. */
  branch(name: string): Promise<void>
  /** Creates a lightweight tag at HEAD, or an annotated one with a message. */
  tag(name: string, message?: string): Promise<void>
  /** The commit's id for a revision; HEAD by default. */
  head(revision?: string): Promise<string>
  /** Runs git in the working tree and resolves to its trimmed output. */
  git(...args: string[]): Promise<string>
}

/** The machine's and the user's git configuration must not affect a test. */
const GIT_ENV = {
  PATH: process.env['PATH'],
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
}

/** `await using repository = await gitRepository({ files: { 'narwhal.yml': '…' }, serve: true })` */
export async function gitRepository(options: GitRepositoryOptions = {}): Promise<GitRepository> {
  const dir = await tempDir('narwhal-git-')
  const path = dir.join('repository')
  await mkdir(path)
  const git = async (...args: string[]) => {
    const { stdout } = await run('git', args, { cwd: path, env: GIT_ENV })
    return stdout.trim()
  }
  const { objectFormat = 'sha1', refFormat } = options
  const formats = [
    `--object-format=${objectFormat}`,
    ...(refFormat ? [`--ref-format=${refFormat}`] : []),
  ]
  await git('init', '--quiet', '--initial-branch=main', ...formats)
  let server: GitHttpServer | undefined
  if (options.serve) server = await serveGit(dir.path, options)

  const head = (revision = 'HEAD') => git('rev-parse', '--verify', `${revision}^{commit}`)
  const commit = async (files: Files, message = 'Change') => {
    await writeFiles(path, files)
    await git('add', '--all')
    await git('commit', '--quiet', '--allow-empty', '--message', message)
    return head()
  }
  const commitAside = async (files: Files) => {
    await writeFiles(path, files)
    await git('add', '--all')
    const tree = await git('write-tree')
    const sha = await git('commit-tree', '-p', 'HEAD', '-m', 'Change', tree)
    await git('reset', '--quiet', '--hard')
    return sha
  }
  if (options.files) await commit(options.files, 'Begin')
  return {
    path,
    url: server ? `${server.url}/repository` : pathToFileURL(path).href,
    requests: server?.requests ?? [],
    sentBytes: () => server?.sentBytes() ?? 0,
    commit,
    commitAside,
    branch: async (name) => void (await git('checkout', '--quiet', '-B', name)),
    tag: async (name, message) => {
      await git('tag', ...(message === undefined ? [] : ['--annotate', '--message', message]), name)
    },
    head,
    git,
    [Symbol.asyncDispose]: async () => {
      await server?.[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

async function writeFiles(root: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = join(root, name)
    if (content === null) {
      await rm(file, { force: true })
    } else {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content)
    }
  }
}
