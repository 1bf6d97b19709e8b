import { type ClonePlace, pathAtForge } from '../../core/forge-path.ts'
import {
  FORGE_KINDS,
  FORGES,
  type Forge,
  type ForgeKind,
  type ForgeSign,
  forgeAt,
  forgeFacts,
  forgeKindAt,
} from '../../core/forges.ts'
import type { OneAnswer } from '../../lib/reach/ask-once.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'
import { getFromForge } from './ask-api.ts'

/** For all questions together: a person waits. */
const WITHIN_MS = 5_000

export interface FoundForge {
  readonly forge: Forge
  /** Whether the host is well known, or the server has said what it is. */
  readonly isKnown: boolean
}

/**
 * The kind of forge at a place: by the table of well-known hosts, or by asking the server, without credentials. One
 * that doesn't answer in time, or in no way that is known, is taken as a plain git server. Never rejects.
 */
export async function findForge(
  place: ClonePlace | undefined,
  { hosts, signal }: { readonly hosts: Hosts; readonly signal: AbortSignal },
): Promise<FoundForge> {
  if (!place) return { forge: 'git', isKnown: true }
  if (forgeKindAt(place.host)) return { forge: forgeAt(place.host), isKnown: true }
  const ends = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)])
  const answers = new Map<string, Promise<OneAnswer | undefined>>()
  const ask = async (url: string): Promise<OneAnswer | undefined> => {
    const known = answers.get(url)
    if (known) return await known
    const answer = getFromForge({ url, headers: {} }, { hosts, signal: ends }).catch(
      () => undefined,
    )
    answers.set(url, answer)
    return await answer
  }
  for (const kind of FORGE_KINDS) {
    const { sign, apiPath } = forgeFacts(kind)
    if (!sign || !isForge(kind)) continue
    for (const root of rootsOf(kind, place)) {
      const answer = await ask(`${place.scheme}//${place.host}${root}${apiPath}${sign.path}`)
      if (answer && isOf(sign, answer)) return { forge: kind, isKnown: true }
    }
  }
  return { forge: 'git', isKnown: false }
}

/** The server's pages may be below a path of its host. */
function rootsOf(kind: ForgeKind, place: ClonePlace): string[] {
  const root = pathAtForge(kind, place)?.root ?? ''
  return [...new Set([root, ''])]
}

function isOf({ body, cookie, header }: ForgeSign, { status, headers, text }: OneAnswer): boolean {
  const set = headers.get('set-cookie') ?? ''
  return (
    (body !== undefined && status === 200 && body.test(text)) ||
    (cookie !== undefined && new RegExp(`(?:^|[\\s,;])${cookie}=`).test(set)) ||
    (header !== undefined && headers.has(header))
  )
}

function isForge(kind: ForgeKind): kind is ForgeKind & Forge {
  return FORGES.some((forge) => forge === kind)
}
