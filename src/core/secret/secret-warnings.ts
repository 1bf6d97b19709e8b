import type { SecretRules } from './secret-rules.ts'

/** Common names and settings: as secrets they would mask harmless words in every log. */
const COMMON = new Set(
  `admin administrator alpha apache auth azure bash beta branch build builder cache changeme check clean cloud
  code config container continue cache data database debug default deploy deployer dev develop development
  docker dummy error example failed false feature file fixme foobar forge gitea github gitlab google guest
  hello home host hotfix image index info install java javascript jenkins job jobs kube kubernetes latest
  letmein linux local localhost log login main maintainer maria master mysql name narwhal nginx node none null
  output owner package pass passed passwd password ping pipeline podman postgres postgresql prod production
  project publish push python qwerty rabbit rabbitmq redis release remote repo repository root ruby runner
  rust script secret server service setup shell sqlite stage staging start status step steps stop success
  sudo support system task temp test tester testing tests token true ubuntu undefined unknown update user
  username value version warn warning web webhook welcome windows work workspace world yarn`.split(
    /\s+/,
  ),
)
/** Shorter values occur by chance in other text. */
const SHORT = 8

/**
 * Warnings about a value that would mask other text as well, without revealing it; `names`: those of its
 * repository.
 */
export function secretWarnings(
  value: string,
  { isNotMasked }: Pick<SecretRules, 'isNotMasked'>,
  names: readonly string[],
): string[] {
  if (isNotMasked) return []
  const text = value.trim().toLowerCase()
  const instead = 'if it is not secret, set it with --not-masked, or write it in the file'
  const parts = names
    .flatMap((name) => [name, ...name.split('/')])
    .map((name) => name.toLowerCase())
  if (parts.includes(text)) {
    return [`the value is a name of the repository, which logs are full of: ${instead}`]
  }
  if (COMMON.has(text)) return [`the value is a common word, which logs are full of: ${instead}`]
  if (text.length < SHORT) {
    const words = `the value has fewer than ${SHORT} characters: logs show *** wherever they occur`
    return [`${words}; ${instead}`]
  }
  return []
}
