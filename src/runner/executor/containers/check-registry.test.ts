import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImageReference } from '../../../core/image-reference.ts'
import { Hosts } from '../../../lib/reach/hosts.ts'
import { checkRegistry } from './check-registry.ts'

const ADDRESSES: Readonly<Record<string, string>> = {
  'registry.internal': '10.0.0.1',
  'registry.example': '8.8.8.8',
  localhost: '127.0.0.1',
}
const hosts = new Hosts({
  lookUp: async (name) => {
    const address = ADDRESSES[name] ?? (/^[\d.]+$|:/.test(name) ? name : undefined)
    if (address === undefined) throw Object.assign(new Error('none'), { code: 'ENOTFOUND' })
    return [{ address, family: address.includes(':') ? 6 : 4 }]
  },
})

const check = (image: string, reach: { host: string; port: number }[] = []) =>
  checkRegistry(parseImageReference(image), reach, hosts)

test("a stranger's image is not pulled from a private registry unless --reach opens it", async () => {
  const images = ['node:24', 'team/image', 'registry.example/a', 'gone.example/a', '8.8.8.8:5000/a']
  for (const image of images) await check(image)
  const inside = [
    'registry.internal/a',
    'REGISTRY.internal:5000/a',
    'localhost/a',
    '10.0.0.1:5000/a',
    '169.254.169.254/a',
    '[::1]:5000/a',
  ]
  for (const image of inside) {
    const reach = [{ host: 'registry.internal', port: 8443 }]
    await assert.rejects(check(image, reach), {
      code: 'invalid',
      message: /can allow it with --reach \S+:\d+$/,
    })
  }
  await check('registry.internal:5000/a', [{ host: 'registry.internal', port: 5000 }])
  await check('registry.internal/a', [{ host: 'Registry.internal', port: 443 }])
})
