package signin

var Mapped = mapped
