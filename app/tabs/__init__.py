"""The tabs of the page, one file each: `build(page) -> SomeTab`, a small dataclass of the components that others need."""
