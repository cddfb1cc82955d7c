"""What speaks to a Label Studio server: the guard of its address, the client over label-studio-sdk, patience with a server that is away."""
