import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type ImageReference, parseImageReference } from '../../../../core/image-reference.ts'
import { NarwhalError } from '../../../../lib/errors.ts'
import { parseEngineAddress } from './docker-address.ts'
import { DockerApi, type PullImage } from './docker-api.ts'

const NOTHING = new AbortController().signal
const pullOf = (image: ImageReference): PullImage => {
  return { image, login: undefined, onProgress: () => {}, signal: NOTHING }
}

/** An engine with a test's answers, over TCP. */
async function engine(answer: RequestListener, version = '1.41') {
  const paths: string[] = []
  const server = createServer((request, response) => {
    if (request.url === '/version') response.end(JSON.stringify({ ApiVersion: version }))
    else {
      paths.push(`${request.method} ${request.url}`)
      answer(request, response)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    api: new DockerApi(parseEngineAddress(url)),
    paths,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function fails(code: string, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof NarwhalError)
    assert.deepEqual([error.code, words.test(error.message)], [code, true], error.message)
    return true
  }
}

test('speaks the version of the engine', async () => {
  await using old = await engine((_, response) => response.end('[]'))
  await old.api.listContainers('a', 'b')
  assert.match(old.paths.join(), /^GET \/v1\.41\/containers\/json/)
  await using future = await engine((_, response) => response.end('[]'), '1.99')
  await future.api.listContainers('a', 'b')
  assert.match(future.paths.join(), /^GET \/v1\.99\/containers\/json/)
})

test('refuses an engine that is too old, and a server that is no engine', async () => {
  await using old = await engine((_, response) => response.end(), '1.40')
  await assert.rejects(
    old.api.ping(),
    fails('unavailable', /supports API 1\.40, but Narwhal needs .*Docker 20\.10/),
  )
  await using none = await engine((_, response) => response.end(), 'no version')
  await assert.rejects(none.api.ping(), fails('unavailable', /refused GET \/version: 200/))
})

test("reports a failed pull with the engine's message, wherever it appears", async () => {
  const image = parseImageReference('registry.example/x:1')
  const words = /^image registry\.example\/x:1 can't be pulled: no such host$/
  await using early = await engine((_, response) => {
    response.writeHead(500).end('{"message":"no such host"}')
  })
  await assert.rejects(early.api.pullImage(pullOf(image)), fails('not_found', words))
  await using late = await engine((_, response) => {
    response.write('{"status":"Pulling"}\n{"status":"Down')
    response.end('loading"}\n{"errorDetail":{"message":"x"},"error":"no such host"}\n')
  })
  await assert.rejects(late.api.pullImage(pullOf(image)), fails('not_found', words))
  await using good = await engine((_, response) => response.end('{"status":"Pulling"}\n'))
  await good.api.pullImage(pullOf(image))
  assert.match(good.paths.join(), /images\/create\?fromImage=registry\.example%2Fx&tag=1$/)
})

test('says which layers of a pull are there', async () => {
  const lines = ['a Pulling fs layer', 'b Pulling fs layer', 'c Already exists', 'a Downloading']
  const all = [...lines, 'a Download complete', 'b Pull complete', 'a Pull complete']
  await using slow = await engine((_, response) => {
    response.write('{"status":"Pulling from library/x","id":"latest"}\n')
    for (const line of all) {
      const [id, ...status] = line.split(' ')
      response.write(`${JSON.stringify({ id, status: status.join(' ') })}\n`)
    }
    response.end('{"status":"Digest: sha256:0"}\n')
  })
  const said: string[] = []
  const onProgress = (line: string) => void said.push(line)
  await slow.api.pullImage({ ...pullOf(parseImageReference('x')), onProgress })
  assert.deepEqual(
    said,
    [1, 2, 3].map((done) => `layer ${done} of 3 is unpacked`),
  )
})

test('does not take an interrupted pull for a success', async () => {
  await using broken = await engine((_, response) => {
    response.write('{"status":"Pulling"}\n')
    setImmediate(() => response.destroy())
  })
  const pull = broken.api.pullImage(pullOf(parseImageReference('x')))
  await assert.rejects(pull, fails('unavailable', /the pull of x:latest was interrupted/))
})

test('aborts a pull', async () => {
  const asked = Promise.withResolvers<void>()
  await using slow = await engine((_, response) => {
    response.write('{"status":"Pulling"}\n')
    asked.resolve()
  })
  const stop = new AbortController()
  const pull = slow.api.pullImage({ ...pullOf(parseImageReference('x')), signal: stop.signal })
  await asked.promise
  stop.abort(new Error('cancelled by hand'))
  await assert.rejects(pull, /cancelled by hand/)
})

test('reports what the engine refused', async () => {
  await using engineOf = await engine((_, response) => {
    response.writeHead(500).end('{"message":"no space left on device"}')
  })
  const words = /refused POST \/containers\/x\/start: 500 no space left on device$/
  await assert.rejects(engineOf.api.startContainer('x'), fails('unavailable', words))
})

test("removes a container that Podman doesn't remove yet", async () => {
  const [main, other] = ['a'.repeat(64), 'b'.repeat(64)]
  const left = new Set([main, other])
  let isPaused = true
  await using podman = await engine((request, response) => {
    const [, id = '', verb] = /containers\/([ab]+)(\/unpause)?/.exec(request.url ?? '') ?? []
    const refuse = (message: string) => response.writeHead(500).end(JSON.stringify({ message }))
    if (verb) isPaused = false
    else if (id === main && left.has(other)) {
      const words = 'has dependent containers which must be removed before it'
      refuse(`container ${main} ${words}: ${other}: container already exists`)
      return
    } else if (id === main && isPaused) {
      refuse(`sending signal to container ${main}: container state improper`)
      return
    } else left.delete(id)
    response.writeHead(204).end()
  })
  await podman.api.removeContainer(main)
  assert.deepEqual([...left], [])
})

test('does not take a failed removal for a success', async () => {
  await using engineOf = await engine((_, response) => {
    response.writeHead(500).end('{"message":"device or resource busy"}')
  })
  const words = /refused DELETE \/containers\/x: 500 device or resource busy$/
  await assert.rejects(engineOf.api.removeContainer('x'), fails('unavailable', words))
})

test('takes a container that Podman is just removing for one that is gone', async () => {
  await using podman = await engine((_, response) => {
    const message = 'no container with ID x found in database: no such container'
    response.writeHead(500).end(JSON.stringify({ message }))
  })
  await podman.api.killContainer('x')
  await podman.api.removeContainer('x')
  assert.equal(await podman.api.inspectContainer('x'), undefined)
})
