import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, mkdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { eventually } from '../../../../test/support/eventually.ts'
import type { TempDir } from '../../../../test/support/temp-dir.ts'
import type { ArchiveOptions, Sandbox } from '../executor.ts'
import { type ContractFixture, isInvalid, NOTHING, run } from './contract-fixture.ts'
import type { WriteScript } from './read.contract.ts'

const exec = promisify(execFile)
const OPTIONS: ArchiveOptions = { maxBytes: 2 ** 30, signal: NOTHING }

async function archiveOf(
  sandbox: Sandbox,
  patterns: readonly string[],
  options: Partial<ArchiveOptions> = {},
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of sandbox.archive(patterns, { ...OPTIONS, ...options })) {
    chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks)
}

/** Unpacks it with the program that people use. */
async function unpack(dir: TempDir, archive: Uint8Array, folder = 'unpacked'): Promise<string> {
  await mkdir(dir.join(folder))
  await writeFile(dir.join(`${folder}.tar`), archive)
  const as = process.getuid?.() === 0 ? ['--same-permissions'] : ['-p']
  await exec('tar', ['-x', ...as, '-f', dir.join(`${folder}.tar`), '-C', dir.join(folder)])
  return dir.join(folder)
}

async function namesIn(dir: TempDir, archive: Uint8Array): Promise<readonly string[]> {
  await writeFile(dir.join('list.tar'), archive)
  const quoting = ['--quoting-style=literal', '--numeric-owner']
  const { stdout } = await exec('tar', ['-t', ...quoting, '-f', dir.join('list.tar')])
  return stdout.split('\n').slice(0, -1)
}

/** Holds for the archives of every executor. */
export function archiveContract(contract: ContractFixture, write: WriteScript): void {
  contract.check('archives what matches, in order, the same each time', async () => {
    await using box = await contract.box()
    const { sandbox, dir } = box
    const files = ['dist/b/two.txt', 'dist/a.txt', 'dist/.hidden', 'dist/c.log', 'other/x.txt']
    for (const file of files) await run(sandbox, write(file, `of ${file}`))
    await run(sandbox, write('.git/config', 'token'))
    const names = async (...patterns: string[]) => {
      const found = await namesIn(dir, await archiveOf(sandbox, patterns))
      return found.filter((name) => !name.endsWith('/'))
    }
    assert.deepEqual(await names('dist/**'), [
      'dist/.hidden',
      'dist/a.txt',
      'dist/b/two.txt',
      'dist/c.log',
    ])
    assert.deepEqual(await names('dist/*.txt', 'other/x.txt'), ['dist/a.txt', 'other/x.txt'])
    assert.deepEqual(await names('**/*.txt', '!other/**'), ['dist/a.txt', 'dist/b/two.txt'])
    assert.deepEqual(await names('*/b/*'), ['dist/b/two.txt'])
    assert.deepEqual(await names('none/**', 'none', 'dist/none'), [])
    assert.deepEqual(await names('**', '!dist/**'), ['other/x.txt'])
    assert.deepEqual(await names('.git/**', '.git/config', '!other/**'), [])
    const archive = await archiveOf(sandbox, ['**'])
    assert.deepEqual(await archiveOf(sandbox, ['**']), archive)
    const folder = await unpack(dir, archive)
    assert.equal(await readFile(`${folder}/dist/b/two.txt`, 'utf8'), 'of dist/b/two.txt')
  })

  contract.check('refuses invalid patterns', async () => {
    const { sandbox } = await contract.shared()
    const wrong = [[], ['/etc/**'], ['../x'], ['a/../b'], ['./a'], ['a//b'], ['dist/'], ['a\0']]
    for (const patterns of [...wrong, ['x'.repeat(501)], Array(101).fill('a') as string[]]) {
      await assert.rejects(archiveOf(sandbox, patterns), isInvalid, JSON.stringify(patterns))
    }
  })

  contract.check('archives at most maxBytes, and nothing after an abort', async () => {
    await using box = await contract.box()
    const { sandbox } = box
    await run(sandbox, write('one', '12345'))
    await run(sandbox, write('two', '67890'))
    assert.ok((await archiveOf(sandbox, ['*'], { maxBytes: 10 })).length > 0)
    await assert.rejects(archiveOf(sandbox, ['*'], { maxBytes: 9 }), { code: 'too_large' })
    const signal = AbortSignal.abort(new Error('enough'))
    await assert.rejects(archiveOf(sandbox, ['*'], { signal }), /enough/)
  })
}

/** Holds in addition where there are processes. */
export function archiveByStepsContract(contract: ContractFixture): void {
  contract.check('keeps modes, times, links, hard links and empty folders', async () => {
    await using box = await contract.box()
    const { sandbox, dir } = box
    const script = `umask 022; mkdir -p t/empty t/deep/er; echo run >t/tool; chmod 755 t/tool
      echo secret >t/private; chmod 600 t/private; echo other >t/setuid; chmod 4755 t/setuid
      ln t/tool t/deep/tool2; ln -s tool t/link; ln -s /etc/shadow t/abroad; ln -s .. t/deep/up
      touch -d '2001-02-03 04:05:06' t/private; : >t/nothing`
    assert.equal((await run(sandbox, script)).exitCode, 0)
    const archive = await archiveOf(sandbox, ['t/**'])
    const folder = await unpack(dir, archive)
    const at = (path: string) => lstat(`${folder}/t/${path}`)
    assert.equal((await at('tool')).mode & 0o7777, 0o755)
    assert.equal((await at('private')).mode & 0o7777, 0o600)
    assert.equal((await at('setuid')).mode & 0o7777, 0o755)
    assert.equal(
      (await at('private')).mtimeMs,
      (await lstat(dir.join('workspace/t/private'))).mtimeMs,
    )
    assert.ok((await at('empty')).isDirectory())
    assert.equal((await at('nothing')).size, 0)
    assert.equal((await at('deep/tool2')).ino, (await at('tool')).ino)
    assert.equal(await readlink(`${folder}/t/link`), 'tool')
    assert.equal(await readlink(`${folder}/t/abroad`), '/etc/shadow')
    assert.equal(await readlink(`${folder}/t/deep/up`), '..')
    // No owner from this machine, by number or by name.
    await writeFile(dir.join('owners.tar'), archive)
    const { stdout } = await exec('tar', ['-tvf', dir.join('owners.tar')])
    for (const line of stdout.trim().split('\n')) assert.match(line, /^\S+ 0\/0 /)
  })

  contract.check('walks through no link, whatever a pattern says', async () => {
    await using box = await contract.box()
    const { sandbox, dir } = box
    await run(sandbox, 'mkdir real; echo x >real/file; ln -s real way; ln -s / root; ln -s . self')
    assert.deepEqual(await namesIn(dir, await archiveOf(sandbox, ['way/**', 'way/file'])), [])
    assert.deepEqual(await namesIn(dir, await archiveOf(sandbox, ['root/etc/*', 'self/**'])), [])
    const all = await namesIn(dir, await archiveOf(sandbox, ['**']))
    assert.deepEqual(all, ['real/', 'real/file', 'root', 'self', 'way'])
  })

  contract.check('archives names that shells and tar treat specially, and long ones', async () => {
    await using box = await contract.box()
    const { sandbox, dir } = box
    const long = 'é'.repeat(120)
    const names = [
      '-rf',
      ' ',
      'a:b',
      `it's`,
      '"$(id)"',
      'back\\slash',
      '*',
      '[x]',
      'größe',
      'e\u0301',
      '\u00e9',
      long,
      '..x',
      '...',
    ]
    await run(sandbox, 'mkdir n')
    for (const name of names) await run(sandbox, 'printf %s "$N" >"n/$N"', { N: name })
    await run(
      sandbox,
      `p=n; for i in $(seq 30); do p=$p/folder-$i; done; mkdir -p $p; echo deep >$p/file`,
    )
    const folder = await unpack(dir, await archiveOf(sandbox, ['n/**']))
    for (const name of names) assert.equal(await readFile(`${folder}/n/${name}`, 'utf8'), name)
    const path = Array.from({ length: 30 }, (_, i) => `folder-${i + 1}`).join('/')
    assert.equal(await readFile(`${folder}/n/${path}/file`, 'utf8'), 'deep\n')
    // `tar -t` does not print a line feed, but the name has it.
    await run(sandbox, 'mkdir feed; printf x >"feed/$N"; ln -s "$N" feed/link', { N: 'a\nb\n' })
    const feeds = await unpack(dir, await archiveOf(sandbox, ['feed/*']), 'feeds')
    assert.equal(await readFile(`${feeds}/feed/a\nb\n`, 'utf8'), 'x')
    assert.equal(await readlink(`${feeds}/feed/link`), 'a\nb\n')
    await run(sandbox, `mkdir bytes; : >"bytes/$(printf '\\377')"`)
    await assert.rejects(archiveOf(sandbox, ['bytes/*']), isInvalid)
    assert.ok((await archiveOf(sandbox, ['n/**'])).length > 0)
  })

  contract.check('leaves out what is no regular file, and reports it', async () => {
    await using box = await contract.box()
    const { sandbox, dir } = box
    await run(sandbox, 'mkdir d; echo x >d/file; mkfifo d/pipe')
    const left: string[] = []
    const archive = await archiveOf(sandbox, ['d/**'], { onLeftOut: (path) => left.push(path) })
    assert.deepEqual(await namesIn(dir, archive), ['d/file'])
    assert.deepEqual(left, ['d/pipe'])
  })

  contract.check('archives many files and large ones with their bytes', async () => {
    await using box = await contract.box()
    const { sandbox, dir } = box
    const script = `mkdir many; i=0; while [ $i -lt 700 ]; do i=$((i+1)); echo "of $i" >many/$i; done
      head -c 5000000 /dev/urandom >large; head -c 512 /dev/urandom >block; dd if=/dev/zero of=hole bs=1 count=1 seek=3000000 2>/dev/null
      sha256sum large block hole | cut -d' ' -f1`
    const { stdout } = await run(sandbox, script)
    const folder = await unpack(dir, await archiveOf(sandbox, ['**']))
    const digests = await Promise.all(
      ['large', 'block', 'hole'].map(async (name) =>
        createHash('sha256')
          .update(await readFile(`${folder}/${name}`))
          .digest('hex'),
      ),
    )
    assert.deepEqual(digests, stdout.trim().split('\n'))
    for (const n of [1, 350, 700]) {
      assert.equal(await readFile(`${folder}/many/${n}`, 'utf8'), `of ${n}\n`)
    }
  })

  contract.check('fails if a file changes while it is read', async () => {
    await using box = await contract.box()
    const { sandbox } = box
    await run(sandbox, 'mkdir d; head -c 8000000 /dev/zero >d/a; echo b >d/b')
    for (const change of ['echo more >>d/b', ': >d/b', 'rm d/b', 'mv d/b d/c; echo c >d/b']) {
      await run(sandbox, 'echo b >d/b')
      const end = new AbortController()
      let said = ''
      const background = sandbox.run(
        {
          script: `echo up; until [ -e go ]; do sleep 0.01; done; ${change}; echo done; sleep 1000`,
          env: {},
          background: { end: end.signal },
        },
        (_, chunk) => void (said += Buffer.from(chunk).toString()),
        NOTHING,
      )
      await eventually(() => said === 'up\n')
      const reading = async () => {
        let isFirst = true
        for await (const _ of sandbox.archive(['d/**'], OPTIONS)) {
          if (!isFirst) continue
          isFirst = false
          // A slow reader: most of the first file has not been read when it happens.
          await writeFile(box.dir.join('workspace/go'), '')
          await eventually(() => said === 'up\ndone\n')
        }
      }
      await assert.rejects(reading(), { code: 'conflict' }, change)
      end.abort()
      await background
      await run(sandbox, 'rm -rf go d/b d/c')
    }
  })

  contract.check('reads no faster than its reader, and stops with it', async () => {
    await using box = await contract.box()
    const { sandbox } = box
    await run(
      sandbox,
      'truncate -s 3G big 2>/dev/null || dd if=/dev/zero of=big bs=1 count=1 seek=3221225471 2>/dev/null',
    )
    const before = process.memoryUsage().rss
    let bytes = 0
    const large = { ...OPTIONS, maxBytes: 2 ** 40 }
    for await (const chunk of sandbox.archive(['big'], large)) {
      bytes += chunk.length
      if (bytes > 1_000_000) break
    }
    assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024)
    const stop = new AbortController()
    const stopped = async () => {
      for await (const _ of sandbox.archive(['big'], { ...large, signal: stop.signal })) {
        stop.abort(new Error('enough'))
      }
    }
    await assert.rejects(stopped(), /enough/)
    assert.equal((await run(sandbox, 'echo on')).stdout, 'on\n')
  })

  contract.check('does not trust the output of programs in the sandbox', async () => {
    if (contract.options.image === undefined) return
    await using box = await contract.box()
    const { sandbox } = box
    await run(sandbox, 'mkdir d; echo x >d/file; mkdir /real; cp /bin/sh /real/sh')
    // A shell may have `stat` built in, so the shell itself is replaced by one that lies about this.
    const lie = async (about: string, script: string) => {
      const shell = `#!/real/sh\ncase "$(while read -r line; do echo "$line"; done <"$2")" in *'${about}'*) ${script} ;; *) exec /real/sh "$@" ;; esac`
      await run(sandbox, `printf '%s\n' "$S" >/bin/lie; chmod 755 /bin/lie; mv /bin/lie /bin/sh`, {
        S: shell,
      })
    }
    const archived = () => archiveOf(sandbox, ['**'])
    const conflict = { code: 'conflict' }
    await lie('stat -c', 'echo "81a4 5 1 1:1 1 never"')
    await assert.rejects(archived(), conflict)
    await lie('stat -c', 'while :; do echo "81a4 5 1 1:1 1 never"; done')
    await assert.rejects(archived(), conflict)
    await lie('cat --', 'while :; do echo endless; done')
    await assert.rejects(archived(), conflict)
    for (const list of [
      'f./../x\\0',
      'f/etc/passwd\\0',
      'f./d//x\\0',
      'l./d\\0f./d/file\\0',
      'f./d',
    ]) {
      await lie('walk', `printf '${list}'`)
      await assert.rejects(archived(), conflict, list)
    }
    await lie('head -c', 'while :; do echo endless; done')
    await assert.rejects(sandbox.read('d/file', 100, NOTHING), { code: 'too_large' })
  })
}
