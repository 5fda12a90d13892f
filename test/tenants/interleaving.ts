import type { Kysely } from 'kysely'

/** Runs the deed once, right before or after the first update of the table: whatever another process might do in that moment. */
export function atUpdate<Schema>(
  kysely: Kysely<Schema>,
  table: keyof Schema & string,
  when: 'before' | 'after',
  deed: () => Promise<unknown>,
): Kysely<Schema> {
  let done = false
  const once = async () => {
    if (done) return
    done = true
    await deed()
  }
  const following = <T extends object>(builder: T): T =>
    wrapped(builder, (name, call) => {
      if (!name.startsWith('execute')) return following(call() as object)
      return when === 'before' ? once().then(call) : (call() as Promise<unknown>).finally(once)
    })
  return wrapped(kysely, (name, call, [first]) =>
    name === 'updateTable' && first === table ? following(call() as object) : call(),
  )
}

/** Each call of a method goes through `around`. */
function wrapped<T extends object>(target: T, around: (name: string, call: () => unknown, args: unknown[]) => unknown): T {
  return new Proxy(target, {
    get(from, name) {
      const member: unknown = Reflect.get(from, name, from)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => around(String(name), () => member.apply(from, args), args)
    },
  })
}
