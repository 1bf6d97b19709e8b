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
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { silentLog } from '../../../lib/log.ts'
import { MIB, NOTHING, run } from '../contract/contract-fixture.ts'
import { folderWorkspace } from '../workspace.ts'
import { DockerExecutor } from './docker-executor.ts'

const { url, skip } = testService('docker')

interface Created {
  readonly HostConfig: { readonly Mounts: readonly { Target: string; Source: string }[] }
}

/**
 * Makes the test's engine behave as one in a virtual machine: its containers see files, but FIFOs don't
 * connect them to the runner. The FIFOs are replaced before a container starts.
 */
async function farEngine(socketPath: string) {
  const engine = new URL(url).pathname
  const folders: string[] = []
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await text(incoming)
    if (incoming.url?.includes('/containers/create')) {
      const { HostConfig } = JSON.parse(body) as Created
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
  await using executor = new DockerExecutor({
    host: engine.host,
    folder: dir.join('sandboxes'),
    instance: uniquePrefix(),
    runnerIsRoot: process.getuid?.() === 0,
    // Long enough for a reachable one to answer on a busy machine.
    firstWordMs: 3_000,
    log: silentLog(),
    networks: freeNetworks(),
  })
  const limits = { memoryBytes: 64 * MIB, cpus: 1, processes: 64 }
  const open = async (name: string) => {
    await mkdir(dir.join(name))
    const spec = {
      name: `job_${name}/1`,
      image: testImage(),
      workspace: folderWorkspace(dir.join(name)),
      limits,
      isStranger: false,
    }
    return executor.open(spec, NOTHING)
  }
  await using first = await open('first')
  const ran = await run(first, 'echo out; echo err >&2; exit 3')
  assert.deepEqual(ran, { exitCode: 3, stdout: 'out\n', stderr: 'err\n' })
  // Once detected, the timeout is not waited for again.
  await using second = await open('second')
  assert.equal((await run(second, 'pwd')).stdout, '/workspace\n')
})
