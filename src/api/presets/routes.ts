import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { acceptedLanguage, type Language } from '../../domain/languages';
import { presetFor, providerPresets } from '../../domain/provider-presets';
import type { Api, ApiContext } from '../context';
import { foundServer } from '../mailboxes/server-choice';
import { presentFound, presentKnown, presentPreset } from './presenter';
import { knownServerSchema, presetListSchema, presetsQuery } from './schemas';

/** /v1/presets: what is known of providers before a mailbox is connected. */
export function presetRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/v1/presets',
    {
      schema: {
        tags: ['presets'],
        summary: 'What is known for an address, and what a person must do first; or all presets',
        querystring: presetsQuery,
        response: { 200: z.union([knownServerSchema, presetListSchema]) },
      },
    },
    async (request, reply) => {
      const { viewer, query } = request;
      const language = query.language ?? spokenLanguage(request, reply);
      void reply.header('content-language', language);
      if (query.address === undefined) return { items: listed(language), nextCursor: null };
      const preset = presetFor(query.address);
      if (preset !== null) return presentKnown(preset, language);
      const { connectionsPerAccount } = context.limits;
      return presentFound(await foundServer(context, viewer.tenantId, query.address), {
        language,
        connectionsPerAccount,
      });
    },
  );
}

function listed(language: Language) {
  return providerPresets.map((preset) => ({ ...presentPreset(preset, language), domains: [...preset.domains] }));
}

/** By the header, which is then one more thing that the answer depends on (RFC 9110 12.5.5). */
function spokenLanguage(request: FastifyRequest, reply: FastifyReply): Language {
  void reply.header('vary', `${String(reply.getHeader('vary'))}, accept-language`);
  return acceptedLanguage(request.headers['accept-language']);
}
