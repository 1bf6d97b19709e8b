import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { readAccountTexts } from './image-accounts.ts'
import { findInLayers } from './layered-path.ts'

async function place(layer: string, path: string, text = path): Promise<string> {
  const file = join(layer, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}

test('takes a file from the top layer that has it', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-layers-'))
  const [top, middle, low] = ['3', '2', '1'].map((name) => join(dir.path, name)) as [
    string,
    string,
    string,
  ]
  await place(top, 'etc/hosts')
  const wanted = await place(middle, 'etc/passwd', 'middle')
  await place(low, 'etc/passwd', 'low')
  const group = await place(low, 'etc/group', 'group')
  const layers = [top, middle, low]
  assert.equal((await findInLayers(layers, '/etc/passwd'))?.place, wanted)
  assert.equal((await findInLayers(layers, '/etc/group'))?.place, group)
  assert.equal(await findInLayers(layers, '/etc/nothing'), undefined)
  assert.equal(await findInLayers(layers, '/etc/passwd/x'), undefined)
  assert.deepEqual(await readAccountTexts(layers), { passwd: 'middle', group: 'group' })
})

test('sees whiteouts and opaque folders as overlay writes them', async (t) => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-layers-'))
  const [upper, low] = [join(dir.path, 'upper'), join(dir.path, 'low')]
  await place(low, 'etc/passwd')
  await place(low, 'etc/group')
  await place(low, 'opt/etc/passwd')
  await place(low, 'srv/passwd')
  await mkdir(upper)
  const script = `
    mkdir work merged && mount -t overlay -o lowerdir=low,upperdir=upper,workdir=work overlay merged
    rm merged/etc/passwd
    rm -r merged/opt merged/srv && mkdir merged/opt && echo x >merged/srv`
  try {
    const options = { cwd: dir.path, stdio: 'pipe' } as const
    execFileSync('unshare', ['--mount', 'sh', '-ec', script], options)
  } catch (error) {
    return t.skip(`no overlay can be mounted: ${(error as Error).message}`)
  }
  const layers = [upper, low]
  assert.equal(await findInLayers(layers, 'etc/passwd'), undefined)
  assert.equal((await findInLayers(layers, 'etc/group'))?.place, join(low, 'etc/group'))
  assert.equal(await findInLayers(layers, 'opt/etc/passwd'), undefined, 'opaque')
  assert.equal(await findInLayers(layers, 'srv/passwd'), undefined, 'a file over a folder')
  assert.deepEqual(await readAccountTexts(layers), { passwd: undefined, group: 'etc/group' })
})

test('resolves links within the image, never on the machine', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-layers-'))
  const [top, low] = [join(dir.path, 'top'), join(dir.path, 'low')]
  await place(join(dir.path), 'secret', 'of the machine')
  const stored = await place(low, 'store/passwd', 'stored')
  await mkdir(join(top, 'etc'), { recursive: true })
  const links = {
    absolute: '/store/passwd',
    relative: '../store/passwd',
    above: '../../../../../../store/./passwd',
    folder: '/etc/here/passwd',
    here: '../store',
    loop: 'loop',
    machine: join(dir.path, 'secret'),
    outside: '../../secret',
    proc: '/proc/self/environ',
  }
  for (const [name, target] of Object.entries(links)) await symlink(target, join(top, 'etc', name))
  const placeOf = async (name: string) => (await findInLayers([top, low], `etc/${name}`))?.place
  for (const name of ['absolute', 'relative', 'above', 'folder', 'here/passwd']) {
    assert.equal(await placeOf(name), stored, name)
  }
  for (const name of ['loop', 'machine', 'outside', 'proc', 'here']) {
    assert.equal(await placeOf(name), undefined, name)
  }
})

test('reads no pipe, no device and nothing huge', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-layers-'))
  await mkdir(join(dir.path, 'etc'))
  execFileSync('mkfifo', [join(dir.path, 'etc/passwd')])
  await mkdir(join(dir.path, 'etc/group'))
  assert.deepEqual(await readAccountTexts([dir.path]), { passwd: undefined, group: undefined })
  const huge = join(dir.path, 'huge')
  await place(huge, 'etc/passwd', '')
  execFileSync('truncate', ['--size=100M', join(huge, 'etc/passwd')])
  await assert.rejects(readAccountTexts([huge]), /more than 4 MB/)
})
