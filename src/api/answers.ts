import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Tenant } from '../tenants/tenant.js'
import type { Answers } from './parts.js'

/** Keeps nothing. */
export class BuiltAnswers implements Answers {
  async send(_request: FastifyRequest, reply: FastifyReply, build: () => Promise<unknown>): Promise<FastifyReply> {
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(await build()))
  }

  forget(_tenantId: Tenant['id']): void {}

  async close(): Promise<void> {}
}
