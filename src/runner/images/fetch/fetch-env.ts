/** The variables of the operator that skopeo may have: logins, proxies, authorities. */
export type FetchEnv = Readonly<Record<string, string>>
