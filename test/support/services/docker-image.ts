import { execFile, spawn } from 'node:child_process'
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { callDocker } from './docker-api.ts'

const run = promisify(execFile)

export const TEST_IMAGE = 'narwhal-test/busybox:latest'

const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  'etc/os-release': 'ID=narwhal-test\nNAME="BusyBox for the tests of Narwhal"\n',
}
const FOLDERS = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'usr/bin', 'var/tmp']

/** Makes an image of this machine's static BusyBox, without a registry. `dir` must not exist. */
export async function importTestImage(
  socketPath: string,
  busybox: string,
  dir: string,
): Promise<void> {
  await layOut(dir, busybox)
  const tar = spawn('tar', ['--create', '--owner=0', '--group=0', '--directory', dir, '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [repo, tag] = TEST_IMAGE.split(':')
  const query = new URLSearchParams({ fromSrc: '-', repo: repo ?? '', tag: tag ?? '' })
  query.append('changes', 'CMD ["/bin/sh"]')
  const path = `/images/create?${query.toString()}`
  const answer = await callDocker(socketPath, 'POST', path, {
    type: 'application/x-tar',
    content: tar.stdout,
  })
  // The status is 200 even if the import fails half-way.
  if (answer.includes('"error"')) throw new Error(`the test image: ${answer}`)
}

/** Lays out the files of the test image, as this process's user. */
export async function layOut(dir: string, busybox: string): Promise<void> {
  for (const folder of FOLDERS) await mkdir(join(dir, folder), { recursive: true })
  await mkdir(join(dir, 'tmp'))
  await chmod(join(dir, 'tmp'), 0o1777)
  for (const [path, content] of Object.entries(FILES)) await writeFile(join(dir, path), content)
  await copyFile(busybox, join(dir, 'bin/busybox'))
  await chmod(join(dir, 'bin/busybox'), 0o755)
  const { stdout } = await run(busybox, ['--list'])
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')
  for (const applet of applets) await symlink('busybox', join(dir, 'bin', applet))
  await symlink('/bin/env', join(dir, 'usr/bin/env'))
}
