import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../../../test/support/eventually.ts'
import { TEST_IMAGE } from '../../../../test/support/services/docker-image.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { unpackedImage } from '../../../../test/support/unpacked-image.ts'
import { CONTAINER_IDS } from '../../../core/container-ids.ts'
import type { Images } from '../../images/images.ts'
import { NOTHING, run } from '../contract/contract-fixture.ts'
import { mountsOf, type OciStage, ociSpecIn, ociStages, partsOf } from './oci-stage.fixture.ts'

/** What users of other programs that run containers met, and jobs here must not. */

const { first } = CONTAINER_IDS
const USERS = { 'test/root:1': 'root', 'test/nobody:1': 'nobody', 'test/other:1': '1234:5678' }
const WITHOUT_SHELL = 'test/empty:1'

/** The test image for several users, and one with nothing in it. */
function imagesIn({ place }: OciStage, empty: string): Images {
  const config = (user: string) => ({ user, entrypoint: ['/bin/false'] })
  const named = Object.entries(USERS).map(([name, user]) => [name, config(user)])
  const images = unpackedImage(place.layer, Object.fromEntries([...named, [WITHOUT_SHELL, {}]]))
  return {
    find: (reference) => images.find(reference),
    hold: async (image, ask) => {
      const held = await images.hold(image, ask)
      return image.full === WITHOUT_SHELL ? { ...held, layers: [empty] } : held
    },
  }
}

async function stageOf(stage: OciStage) {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const empty = dir.join('empty')
  await mkdir(empty)
  await chown(empty, first, first)
  const instance = uniquePrefix()
  const folder = dir.join('sandboxes')
  const images = { images: imagesIn(stage, empty), [Symbol.asyncDispose]: async () => {} }
  const executor = stack.use(stage.open({ instance, folder, images }))
  const owned = stack.move()
  const dispose = () => owned.disposeAsync()
  return { dir, instance, folder, executor, [Symbol.asyncDispose]: dispose }
}

for (const stage of await ociStages()) {
  const { name, skip } = stage

  test(`${name}: whoever the image's user is, the workspace is its own, in one job after the other`, {
    skip,
  }, async () => {
    await using at = await stageOf(stage)
    const script =
      'id -u; echo new >>file; mkdir folder; echo x >folder/x; stat -c %u .; echo $HOME'
    for (const image of [...Object.keys(USERS), ...Object.keys(USERS).toReversed()]) {
      const spec = { ...(await ociSpecIn(at.dir.path, uniquePrefix('w'))), image }
      await writeFile(join(spec.workspace.path, 'file'), 'of the checkout\n')
      await using sandbox = await at.executor.open(spec, NOTHING)
      const ran = await run(sandbox, script)
      assert.equal(ran.exitCode, 0, `${image}: ${ran.stderr}`)
      const [user, owner, home] = ran.stdout.split('\n')
      assert.deepEqual([owner, home], [user, user === '0' ? '/root' : '/'], image)
    }
  })

  test(`${name}: an image without a shell is refused with that reason, and leaves nothing`, {
    skip,
  }, async () => {
    await using at = await stageOf(stage)
    const spec = { ...(await ociSpecIn(at.dir.path)), image: WITHOUT_SHELL }
    await assert.rejects(at.executor.open(spec, NOTHING), {
      code: 'invalid',
      message: "a container of image test/empty:1 can't be started: it has no /bin/sh",
    })
    assert.deepEqual(await partsOf(at.folder, at.instance), [])
  })

  test(`${name}: a container ends whole although another process has copied the machine's mounts`, {
    skip,
  }, async () => {
    await using at = await stageOf(stage)
    const sandbox = await at.executor.open(await ociSpecIn(at.dir.path), NOTHING)
    const copy = spawn('unshare', ['--mount', '--propagation', 'unchanged', 'sleep', '600'])
    await once(copy, 'spawn')
    try {
      await run(sandbox, 'echo x >/root/x')
      await sandbox[Symbol.asyncDispose]()
      assert.deepEqual(await partsOf(at.folder, at.instance), [])
      await eventually(async () => {
        assert.deepEqual(await readdir(join(at.folder, 'containers/trash')), [])
      })
      const seen = await readFile(`/proc/${copy.pid}/mountinfo`, 'utf8')
      assert.ok(!seen.includes(at.instance), seen)
      assert.deepEqual(await mountsOf(at.dir.path, at.instance), [])
    } finally {
      copy.kill('SIGKILL')
    }
  })

  test(`${name}: removes trees that are deeper than any path, closed, and with the longest names`, {
    skip,
  }, async () => {
    await using at = await stageOf(stage)
    const sandbox = await at.executor.open(await ociSpecIn(at.dir.path), NOTHING)
    const long = 'n'.repeat(250)
    // From the bottom: 15,000 bytes of path, of which no call may have more than 4,095.
    const onto = `mkdir up; mv ${long} up/; mv up ${long}`
    const deep = `mkdir /deep; cd /deep; mkdir ${long}; for i in $(seq 60); do ${onto}; done`
    const closed = 'mkdir -p /closed/in; chmod 000 /closed/in /closed'
    for (const script of [deep, closed]) {
      assert.equal((await run(sandbox, script)).exitCode, 0, script)
    }
    await sandbox[Symbol.asyncDispose]()
    await eventually(async () => {
      assert.deepEqual(await readdir(join(at.folder, 'containers/trash')), [])
    })
  })

  test(`${name}: containers take none of the keys that a user of the machine may have`, {
    skip,
  }, async () => {
    await using at = await stageOf(stage)
    const keysOf = async () => {
      const users = await readFile('/proc/key-users', 'utf8')
      return users.split('\n').find((line) => line.trim().startsWith(`${first}:`)) ?? ''
    }
    const before = await keysOf()
    const specs = await Promise.all(
      Array.from({ length: 6 }, (_, index) => ociSpecIn(at.dir.path, `w${index}`)),
    )
    const all = await Promise.all(
      specs.map((spec, index) => at.executor.open({ ...spec, name: `job_k${index}/1` }, NOTHING)),
    )
    assert.equal(await keysOf(), before)
    await Promise.all(all.map((one) => one[Symbol.asyncDispose]()))
  })

  test(`${name}: a folder of the image can be renamed`, { skip }, async () => {
    await using at = await stageOf(stage)
    await using sandbox = await at.executor.open(await ociSpecIn(at.dir.path), NOTHING)
    // A copy instead would be another folder.
    const script =
      'before=$(stat -c %i /usr); mv /usr /moved; [ "$before" = "$(stat -c %i /moved)" ] && ls /moved'
    assert.equal((await run(sandbox, script)).stdout, 'bin\n')
  })

  test(`${name}: an image of 127 layers in a folder with a long name has all of them`, {
    skip,
  }, async () => {
    await using at = await stageOf(stage)
    const home = at.dir.join('l'.repeat(200))
    const layers = Array.from({ length: 126 }, (_, index) => join(home, `sha256-${index}`))
    for (const [index, layer] of layers.entries()) {
      await mkdir(layer, { recursive: true })
      await writeFile(join(layer, `file-${index}`), '')
      await chown(layer, first, first)
    }
    const images = unpackedImage(stage.place.layer)
    const long: Images = {
      find: (reference) => images.find(reference),
      hold: async (image, ask) => {
        const held = await images.hold(image, ask)
        return { ...held, layers: [...held.layers, ...layers] }
      },
    }
    const opened = { images: long, [Symbol.asyncDispose]: async () => {} }
    await using executor = stage.open({ folder: at.dir.join('others'), images: opened })
    const spec = { ...(await ociSpecIn(at.dir.path)), image: TEST_IMAGE }
    await using sandbox = await executor.open(spec, NOTHING)
    assert.equal((await run(sandbox, 'ls / | grep -c ^file-')).stdout, '126\n')
    assert.ok((await lstat(layers[0] ?? '')).isDirectory())
  })
}
