import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freeNetworks } from '../../../../test/support/free-networks.ts'
import { testImage, testService, uniquePrefix } from '../../../../test/support/services.ts'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import { silentLog } from '../../../lib/log.ts'
import { MIB, NOTHING, run } from '../contract/contract-fixture.ts'
import type { SandboxSpec } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'
import { DockerExecutor } from './docker-executor.ts'

const { url, skip } = testService('docker')

interface Created {
  readonly HostConfig: { readonly Mounts: readonly { Target: string; Source: string }[] }
}

/**
 * Makes the test's engine behave as one in a virtual machine: its containers see files, but FIFOs don't
 * connect them to the runner. The FIFOs are replaced before a container starts. With `mounts` its containers
 * get other folders than the runner's.
 */
async function farEngine(socketPath: string, mounts?: Changed) {
  const engine = new URL(url).pathname
  const folders: string[] = []
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    let body = await text(incoming)
    if (incoming.url?.includes('/containers/create')) {
      const created = JSON.parse(body) as Created
      const { HostConfig } = created
      if (mounts) body = JSON.stringify(await withMounts(created, mounts))
      const control = HostConfig.Mounts.find(({ Target }) => Target === '/narwhal')
      if (control) folders.push(control.Source)
    }
    if (incoming.url?.endsWith('/start')) for (const folder of folders) await replaceFifos(folder)
    const headers = { ...incoming.headers, 'content-length': Buffer.byteLength(body) }
    const { method, url: path } = incoming
    const forward = request({ socketPath: engine, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    forward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forward.destroy())
    forward.end(body)
  }
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy())
  })
  server.on('upgrade', (incoming, socket: Socket, head) => {
    const there = connect(engine)
    const { rawHeaders: raw } = incoming
    const lines = raw.map((text, i) => (i % 2 === 0 ? `${text}: ${raw[i + 1]}\r\n` : ''))
    there.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join('')}\r\n`)
    there.write(head)
    socket.pipe(there).pipe(socket)
    for (const end of [socket, there]) end.on('error', () => {})
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return {
    host: `unix://${socketPath}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

type Changed = (target: string) => Promise<string>

async function withMounts(created: Created, mounts: Changed): Promise<Created> {
  const Mounts = created.HostConfig.Mounts.map(async (mount) => ({
    ...mount,
    Source: await mounts(mount.Target),
  }))
  return { ...created, HostConfig: { ...created.HostConfig, Mounts: await Promise.all(Mounts) } }
}

/** Processes that have opened the old ones keep them. */
async function replaceFifos(folder: string): Promise<void> {
  const fifos = (await readdir(folder)).filter((name) => ['commands', 'ends'].includes(name))
  const paths = fifos.map((name) => join(folder, name))
  await Promise.all(paths.map((path) => rm(path)))
  if (paths.length > 0) await promisify(execFile)('mkfifo', ['-m', '666', ...paths])
}

test("docker: runs steps by the engine's exec if FIFOs don't work", {
  skip,
}, async () => {
  await using dir = await tempDir()
  await using engine = await farEngine(dir.join('far.sock'))
  await using executor = executorOf(engine.host, dir)
  await using first = await executor.open(await specOf(dir, 'first'), NOTHING)
  const ran = await run(first, 'echo out; echo err >&2; exit 3')
  assert.deepEqual(ran, { exitCode: 3, stdout: 'out\n', stderr: 'err\n' })
  // Once detected, the timeout is not waited for again.
  await using second = await executor.open(await specOf(dir, 'second'), NOTHING)
  assert.equal((await run(second, 'pwd')).stdout, '/workspace\n')
})

test('docker: runs nothing on an engine that mounts empty folders of its own', {
  skip,
}, async () => {
  await using dir = await tempDir()
  const folder = async (target: string) => {
    const path = dir.join(`elsewhere${target}`)
    await mkdir(path, { recursive: true })
    return path
  }
  await using engine = await farEngine(dir.join('far.sock'), folder)
  await using executor = executorOf(engine.host, dir)
  const opening = executor.open(await specOf(dir, 'first'), NOTHING)
  await assert.rejects(opening, {
    code: 'unavailable',
    message: /does not see the runner's files in .*\/sandboxes\/.*: the engine has to see/,
  })
})

function executorOf(host: string, dir: TempDir): DockerExecutor {
  return new DockerExecutor({
    host,
    folder: dir.join('sandboxes'),
    instance: uniquePrefix(),
    runnerIsRoot: process.getuid?.() === 0,
    // Long enough for a reachable one to answer on a busy machine.
    firstWordMs: 3_000,
    log: silentLog(),
    networks: freeNetworks(),
  })
}

async function specOf(dir: TempDir, name: string): Promise<SandboxSpec> {
  await mkdir(dir.join(name))
  return {
    name: `job_${name}/1`,
    image: testImage(),
    workspace: folderWorkspace(dir.join(name)),
    limits: { memoryBytes: 64 * MIB, cpus: 1, processes: 64 },
    isStranger: false,
  }
}
