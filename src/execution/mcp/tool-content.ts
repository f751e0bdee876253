import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { ToolResult } from '../tools/interfaces.ts';

/** What a server's tool gave, as text for a model. What is not text is named, not shown. */
export function contentOf(result: CallToolResult): ToolResult {
  const texts = (result.content ?? []).map((part) => {
    switch (part.type) {
      case 'text':
        return part.text;
      case 'resource':
        return 'text' in part.resource ? part.resource.text : `[${part.resource.uri}]`;
      case 'resource_link':
        return `[${part.uri}]`;
      default:
        return `[${part.type}: ${part.mimeType}]`;
    }
  });
  const { structuredContent } = result;
  const content =
    texts.length === 0 && structuredContent ? JSON.stringify(structuredContent) : texts.join('\n');
  return result.isError ? { content, is_error: true } : { content };
}
