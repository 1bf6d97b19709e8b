import { z } from 'zod'
import { parseJson } from '../../../lib/parse-json.ts'
import { runProgram } from '../commands.ts'

const Listing = z.object({
  nftables: z.array(
    z.object({
      chain: z
        .object({
          family: z.string(),
          table: z.string(),
          name: z.string(),
          hook: z.string().optional(),
          policy: z.string().optional(),
        })
        .optional(),
    }),
  ),
})

type Chain = NonNullable<z.output<typeof Listing>['nftables'][number]['chain']>

/** What of jobs' packets is dropped: those to the outside, or questions for names. */
export type Dropped = 'forwarded' | 'names'

const HOOKS: Readonly<Record<Dropped, string>> = { forwarded: 'forward', names: 'input' }

/** The chains of other owners that drop what they don't accept; if they can't be listed, none. */
export async function listDropping(dropped: Dropped): Promise<readonly Chain[]> {
  const text = await runProgram('nft', ['-j', 'list', 'chains']).catch(() => '{"nftables":[]}')
  const { nftables } = Listing.parse(parseJson(text))
  return nftables.flatMap(({ chain }) =>
    chain?.hook === HOOKS[dropped] && chain.policy === 'drop' ? [chain] : [],
  )
}

/**
 * The commands that let them through, for the operator to run. To accept a packet in one table doesn't help if
 * another drops it, so each table that does has rules of its own; those that iptables shows get them by iptables.
 * `prefix` is that of the jobs' interfaces.
 */
export function letThrough(dropped: Dropped, chains: readonly Chain[], prefix: string): string {
  const native = chains.filter((chain) => !isOfIptables(chain))
  const rest = chains.length === 0 || native.length < chains.length
  const commands = [
    ...(rest ? byIptables(dropped, `${prefix}+`) : []),
    ...native.flatMap(({ family, table, name }) =>
      rules(dropped, `"${prefix}*"`).map(
        (rule) => `nft insert rule ${family} ${table} ${name} '${rule}'`,
      ),
    ),
  ]
  return commands.join('; ')
}

function isOfIptables({ family, table, name }: Chain): boolean {
  return (family === 'ip' || family === 'ip6') && table === 'filter' && name === name.toUpperCase()
}

function rules(dropped: Dropped, names: string): readonly string[] {
  if (dropped === 'names') return [`iifname ${names} meta l4proto { tcp, udp } th dport 53 accept`]
  return [`iifname ${names} accept`, `oifname ${names} ct state { established, related } accept`]
}

function byIptables(dropped: Dropped, names: string): readonly string[] {
  if (dropped === 'names') {
    return ['udp', 'tcp'].map(
      (one) => `iptables -I INPUT -i ${names} -p ${one} --dport 53 -j ACCEPT`,
    )
  }
  return [
    `iptables -I FORWARD -i ${names} -j ACCEPT`,
    `iptables -I FORWARD -o ${names} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  ]
}
