import '@strangler-fig/kernel/require-node';

await import('./provision.ts');
